/** A whole window over a played scene, for component tests. */
import { render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import Root from "../src/components/Root.svelte";
import type { Change } from "../src/generated/protocol";
import { Actions } from "../src/state/actions";
import { ChatState } from "../src/state/chat.svelte";
import { Drafts } from "../src/state/drafts.svelte";
import { Prefs } from "../src/state/prefs.svelte";
import { Reading } from "../src/state/reading.svelte";
import { Ui } from "../src/state/ui.svelte";
import { Fake, type Scene } from "../src/transport/fake";
import { scenes } from "../src/transport/scenes";

/** Opens the window on a scene, whole or changed in part. */
export async function open(name: string, more: Partial<Scene> = {}) {
  const scene = scenes[name]?.();
  if (!scene) throw new Error(`no scene ${name}`);
  const fake = new Fake({ ...scene, ...more });
  const ui = new Ui();
  ui.go(scene.place ?? null);
  const chat = new ChatState();
  const drafts = new Drafts();
  const reading = new Reading();
  const desk = {
    chat,
    ui,
    prefs: new Prefs(),
    drafts,
    reading,
    actions: new Actions(fake, ui, drafts, reading),
  };
  render(Root, { props: { desk } });
  await fake.subscribe((update) => chat.apply(update));
  await settle();
  const tell = async (...changes: Change[]) => {
    fake.tell(...changes);
    await settle();
  };
  return { ...desk, fake, screen, tell, place: scene.place ?? "" };
}

/** Lets promises and the screen catch up. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await tick();
}
