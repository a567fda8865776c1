/** A whole window over a played scene, for component tests. */
import { render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import Root from "../src/components/Root.svelte";
import type { Change } from "../src/generated/protocol";
import { connect, deskOver } from "../src/state/desk";
import { Fake, type Scene } from "../src/transport/fake";
import { scenes } from "../src/transport/scenes";

/** Opens the window on a scene, whole or changed in part. */
export async function open(name: string, more: Partial<Scene> = {}) {
  const played = scenes[name]?.();
  if (!played) throw new Error(`no scene ${name}`);
  const scene = { ...played, ...more };
  const fake = new Fake(scene);
  const desk = deskOver(fake);
  desk.ui.start(scene.place ?? null);
  render(Root, { props: { desk } });
  await connect(desk, fake);
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
