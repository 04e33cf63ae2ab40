// The charts' library formats numbers by the browser's language when it is loaded. A browser without a locale may name
// one that is no language tag, as "en-US@posix", for which Intl throws: no page would open. To be imported before it.
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US" });
}
