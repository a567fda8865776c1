/** One's own identity: shown, taken along as a file, brought here; and what shows when its key cannot be had. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import { PASSPHRASE_LETTERS } from "../src/state/identity";
import { me } from "../src/transport/cast";
import { broken, failure, trust } from "../src/words";
import { open, settle } from "./desk";

type Window = Awaited<ReturnType<typeof open>>;
const calls = ({ fake }: Window, name: string) =>
  fake.calls.filter(([call]) => call === name).map(([, ...args]) => args);
const texts = ({ screen }: Window, id: string) =>
  screen.queryAllByTestId(id).map(({ textContent }) => textContent?.trim() ?? "");
const click = async ({ screen }: Window, id: string) => {
  await fireEvent.click(screen.getByTestId(id));
  await settle();
};
const type = async ({ screen }: Window, id: string, value: string) => {
  await fireEvent.input(screen.getByTestId(id), { target: { value } });
  await settle();
};
const settings = async (more?: string) => {
  const here = await open("room");
  await click(here, "settings");
  if (more) await click(here, more);
  return here;
};

test("the own key, its tag, and where it is kept are shown", async () => {
  const here = await settings();
  expect(texts(here, "own-fingerprint")).toEqual([me.fingerprint]);
  const shown = here.screen.getByTestId("own-key").textContent;
  expect(shown).toContain(trust.you.tag(me.tag));
  expect(shown).toContain(trust.security.kept.keychain);
});

describe("saving it", () => {
  const GOOD = "x".repeat(PASSPHRASE_LETTERS);
  test("takes a passphrase that is long enough, the same twice", async () => {
    const here = await settings("identity-export");
    await type(here, "passphrase", GOOD.slice(1));
    await type(here, "passphrase-again", GOOD.slice(1));
    await click(here, "identity-save");
    expect(texts(here, "passphrase-short")).toHaveLength(1);
    await type(here, "passphrase", GOOD);
    await click(here, "identity-save");
    expect(texts(here, "passphrase-different")).toHaveLength(1);
    expect(calls(here, "exportIdentity")).toEqual([]);
    await type(here, "passphrase-again", GOOD);
    await click(here, "identity-save");
    expect(calls(here, "exportIdentity")).toEqual([[GOOD]]);
    await waitFor(() => expect(texts(here, "identity-path")[0]).toMatch(/identity/));
  });
});

describe("bringing one here", () => {
  const choose = async (here: Window, text: string) => {
    const input = here.screen.getByTestId<HTMLInputElement>("import-file");
    const files = [new File([text], "identity.txt")] as unknown as FileList;
    Object.defineProperty(input, "files", { value: files, configurable: true });
    await fireEvent.change(input);
    await settle();
  };
  test("says what it replaces, and hands on the file's text", async () => {
    const here = await settings("identity-import");
    expect(texts(here, "import-replaces")[0]).toContain(trust.you.replaces);
    await type(here, "import-passphrase", "secret words here");
    await click(here, "import-go");
    expect(texts(here, "import-file-error")).toHaveLength(1);
    await choose(here, "chatspot identity");
    await click(here, "import-go");
    await waitFor(() =>
      expect(calls(here, "importIdentity")).toEqual([["chatspot identity", "secret words here"]]),
    );
  });
  test("says next to the field that the passphrase does not fit", async () => {
    const here = await settings("identity-import");
    await choose(here, "chatspot identity");
    await type(here, "import-passphrase", "wrong");
    await click(here, "import-go");
    await waitFor(() =>
      expect(texts(here, "import-error")[0]).toContain(failure("wrong_passphrase").what),
    );
  });
});

test.each(["keychain-locked", "keychain-empty"])(
  "%s: what to do, and trying again",
  async (scene) => {
    const here = await open(scene);
    const code = scene === "keychain-locked" ? "keychain_locked" : "keychain_empty";
    expect(document.body.textContent).toContain(broken(code).next);
    await click(here, "restart");
    expect(calls(here, "restart")).toEqual([[]]);
  },
);
test("other failures of the start offer nothing that does not help", async () => {
  const { screen } = await open("broken");
  expect(screen.queryByTestId("restart")).toBeNull();
});
