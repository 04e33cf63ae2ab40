import { useEffect, useState } from "react";

export type Theme = "light" | "dark" | "system";
const KEY = "blockcloud-theme";
export const themes: readonly Theme[] = ["system", "light", "dark"];

/** The chosen theme; `system` follows the browser's. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(stored);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A browser that stores nothing forgets the choice, no more.
    }
  }, [theme]);
  return [theme, setTheme];
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return themes.find((theme) => theme === value) ?? "system";
  } catch {
    return "system";
  }
}
