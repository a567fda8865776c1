// The tree as the checks of nevers.mjs see it: source files, and the arrows between crates. Judges
// nothing.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pageCode, rustCode } from "./source.mjs";
import { ask, Stop } from "./steps.mjs";

/** The tree as the checks see it. A folder that is not there is empty. */
export class Tree {
  #root;
  #metadata;

  constructor(root) {
    this.#root = root;
  }

  /**
   * Files below `folder` whose path matches, as `{ path, text }`; paths are relative to the root,
   * with slashes.
   */
  files(folder, pattern) {
    const top = join(this.#root, folder);
    if (!existsSync(top)) return [];
    return readdirSync(top, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({ full: path, path: relative(this.#root, path).replaceAll("\\", "/") }))
      .filter(({ path }) => pattern.test(path) && !/(?:^|\/)(?:target|node_modules)\//.test(path))
      .map(({ full, path }) => ({ path, text: readFileSync(full, "utf8") }));
  }

  /** Rust that ships: no tests, benches or examples, in folders, files or items. */
  rust(folder) {
    return this.files(folder, /\.rs$/)
      .filter(
        ({ path }) => !/(?:^|\/)(?:tests|benches|examples|fuzz)\/|(?:^|\/|_)tests?\.rs$/.test(path),
      )
      .map(({ path, text }) => ({
        path,
        text: rustCode(text, { strings: true }),
        code: rustCode(text),
      }));
  }

  /** TypeScript and components that ship. */
  pages(folder) {
    return this.files(folder, /\.(?:ts|js|svelte)$/)
      .filter(({ path }) => !/\.(?:test|spec)\.[jt]s$/.test(path))
      .map(({ path, text }) => ({ path, code: pageCode(path, text) }));
  }

  /** The workspace's packages, as cargo sees them. */
  members() {
    const { packages, workspace_members: members } = this.#cargo();
    return packages.filter(({ id }) => members.includes(id));
  }

  /** The crates that a member names outside of its dev-dependencies. */
  dependencies(member) {
    const found = this.members().find(({ name }) => name === member);
    return found?.dependencies.filter(({ kind }) => kind !== "dev").map(({ name }) => name) ?? [];
  }

  /** Every crate that a member stands on, however far below, outside of dev-dependencies. */
  reach(member) {
    const { packages, resolve } = this.#cargo();
    const node = new Map(resolve.nodes.map((each) => [each.id, each]));
    const queue = this.members()
      .filter(({ name }) => name === member)
      .map(({ id }) => id);
    const seen = new Set(queue);
    for (const id of queue) {
      for (const { pkg, dep_kinds: kinds } of node.get(id).deps) {
        if (seen.has(pkg) || kinds.every(({ kind }) => kind === "dev")) continue;
        seen.add(pkg);
        queue.push(pkg);
      }
    }
    return packages.filter(({ id }) => seen.has(id)).map(({ name }) => name);
  }

  #cargo() {
    if (this.#metadata) return this.#metadata;
    this.#metadata = { packages: [], workspace_members: [], resolve: { nodes: [] } };
    if (existsSync(join(this.#root, "Cargo.toml"))) {
      const { ok, out, err } = ask("cargo", ["metadata", "--format-version", "1"], {
        cwd: this.#root,
      });
      if (!ok) throw new Stop(`cargo metadata failed:\n${err.trim()}`);
      this.#metadata = JSON.parse(out);
    }
    return this.#metadata;
  }
}
