import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

/** Folders with source files. */
const FOLDERS = ["bench", "contracts", "devnet", "ignition", "scripts", "src", "test"];
/** The condition with which the package's own name means its sources (package.json). */
const SOURCE_CONDITION = "blockcloud-source";
const SOURCE = /\.(ts|mjs|js|sol)$/;

/** The dependencies of a file, from its text; paths from the root. */
interface Source {
  /** Files that it imports or names. */
  files: string[];
  /** Folders and patterns that it names, because it may read their files. */
  patterns: string[];
}

/**
 * The dependencies between the files of a project: imports, except type imports, which do not exist at run time; names
 * of files, folders and patterns in strings; and names of contracts whose artifacts are used. A program that a file
 * starts through `bin/` is not followed, because it contains nearly every source file.
 */
export class Imports {
  readonly #root: string;
  readonly #sources = new Map<string, Source>();
  readonly #contracts = new Map<string, string>();
  readonly #resolution: ts.ModuleResolutionCache;
  readonly #self: string;

  constructor(root: string) {
    this.#root = root;
    this.#resolution = ts.createModuleResolutionCache(root, (name) => name);
    const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
      name: string;
    };
    this.#self = manifest.name;
    const files = [
      ...readdirSync(root),
      ...FOLDERS.filter((folder) => existsSync(path.join(root, folder))).flatMap((folder) =>
        readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
          path.join(folder, name),
        ),
      ),
    ].filter((file) => SOURCE.test(file));
    for (const file of files.filter((name) => /^contracts\/.*\.sol$/.test(name))) {
      this.#contracts.set(path.basename(file, ".sol"), file);
    }
    for (const file of files) {
      const text = readFileSync(path.join(root, file), "utf8");
      this.#sources.set(
        file,
        file.endsWith(".sol") ? this.#solidity(file, text) : this.#script(file, text),
      );
    }
  }

  /** The given files, and all files that depend on them directly or indirectly. */
  dependents(changed: readonly string[]): Set<string> {
    const users = new Map<string, string[]>();
    for (const [user, { files }] of this.#sources) {
      for (const file of files) users.set(file, [...(users.get(file) ?? []), user]);
    }
    const found = new Set(changed);
    for (const file of changed) {
      for (const [user, { patterns }] of this.#sources) {
        if (patterns.some((pattern) => path.matchesGlob(file, pattern))) found.add(user);
      }
    }
    // Iteration over a set includes elements that are added meanwhile.
    for (const file of found) for (const user of users.get(file) ?? []) found.add(user);
    return found;
  }

  #script(file: string, text: string): Source {
    const source: Source = { files: [], patterns: [] };
    const visit = (node: ts.Node): void => {
      if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
        const { moduleSpecifier: specifier } = node;
        if (specifier !== undefined && ts.isStringLiteral(specifier) && !isErased(node)) {
          this.#import(file, specifier.text, source);
        }
        return;
      }
      if (ts.isTypeNode(node)) return;
      if (ts.isStringLiteralLike(node)) {
        if (ts.isCallExpression(node.parent)) this.#import(file, node.text, source);
        this.#name(file, node.text, source);
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
    return source;
  }

  #solidity(file: string, text: string): Source {
    const source: Source = { files: [], patterns: [] };
    for (const [, literal = ""] of text.matchAll(/"([^"\n]*)"/g)) {
      if (literal.startsWith(".")) source.files.push(this.#beside(file, literal));
      else this.#name(file, literal, source);
    }
    return source;
  }

  /** The file of an import, unless it is a package. */
  #import(file: string, specifier: string, source: Source): void {
    if (specifier.startsWith(".")) {
      source.files.push(this.#beside(file, specifier));
    } else if (specifier.startsWith("#") || specifier.split("/")[0] === this.#self) {
      const { resolvedModule } = ts.resolveModuleName(
        specifier,
        path.join(this.#root, file),
        {
          module: ts.ModuleKind.NodeNext,
          moduleResolution: ts.ModuleResolutionKind.NodeNext,
          allowImportingTsExtensions: true,
          customConditions: [SOURCE_CONDITION],
        },
        ts.sys,
        this.#resolution,
        undefined,
        ts.ModuleKind.ESNext,
      );
      if (resolvedModule !== undefined) {
        source.files.push(path.relative(this.#root, resolvedModule.resolvedFileName));
      }
    }
  }

  /** The file, folder or pattern that a string names, if it is part of the project. */
  #name(file: string, literal: string, source: Source): void {
    const contract = this.#contracts.get(literal.split(/[/:]/).at(-1) ?? "");
    if (contract !== undefined) source.files.push(contract);
    if (/\s/.test(literal) || !/[./]/.test(literal)) return;
    for (const name of [this.#beside(file, literal), path.normalize(literal)]) {
      if (name.startsWith("..") || path.isAbsolute(name)) continue;
      if (name.includes("*")) {
        source.patterns.push(name);
        continue;
      }
      const stats =
        existsSync(path.join(this.#root, name)) && statSync(path.join(this.#root, name));
      if (stats === false) continue;
      if (stats.isFile()) source.files.push(name);
      // Top-level folders contain nearly all files, and a single slash is not a folder.
      else if (/\w\/\w/.test(literal)) source.patterns.push(`${name.replace(/\/$/, "")}/**`);
    }
  }

  /** Converts a path relative to a file to one from the root. */
  #beside(file: string, name: string): string {
    return path.normalize(path.join(path.dirname(file), name));
  }
}

/** Whether an import or a re-export does not exist at run time. */
function isErased(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}
