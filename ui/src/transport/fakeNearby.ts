/** The half of the scripted transport that plays rooms nearby, the doctor and inviting; and what a scene is. See `fake.ts`. */
import type {
  Change,
  Checkup,
  Discovery,
  Failure,
  FailureCode,
  Found,
  Handout,
  Item,
  PictureFormat,
  RoomId,
  View,
} from "../generated/protocol";
import { Around, handedOut, WELL } from "./around";
import { opening } from "./cast";
import type { Capabilities } from "./transport";

/** What a scene begins with and how the world around it answers. */
export interface Scene {
  readonly view: View;
  /** The room that is shown at first. */
  readonly place?: RoomId;
  /** What `lookUp` finds, or why it fails. */
  readonly found?: Found | FailureCode;
  /** What the platform has; everything unless told otherwise. */
  readonly capabilities?: Capabilities;
  /** What the doctor finds, or why it fails. */
  readonly checkup?: Checkup | FailureCode;
  /** Discovery was turned off where ChatSpot was started. */
  readonly deaf?: boolean;
  /** Why no room nearby can be joined. */
  readonly joins?: FailureCode;
  /** The whole history of rooms that have more of it than the view shows. */
  readonly past?: Readonly<Record<RoomId, readonly Item[]>>;
  /** What happens by itself, once the snapshot is on the screen. */
  readonly soon?: readonly Change[];
  /** What goes on happening. */
  readonly ticks?: { readonly every: number; readonly change: (n: number) => Change };
  /** Nothing answers at all: not even the snapshot comes. */
  readonly silent?: boolean;
  readonly broken?: Failure;
}

/** How long the made-up host takes to answer: long enough to see every state. */
export const ANSWER_MS = 250;

export const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

export abstract class FakeNearby {
  /** Every call, for tests. */
  readonly calls: (readonly unknown[])[] = [];
  protected readonly scene: Scene;
  protected readonly around: Around;

  constructor(scene: Scene) {
    this.scene = scene;
    this.around = new Around(scene.view.nearby, (nearby) =>
      this.tell({ change: "nearby", nearby }),
    );
  }

  /** Tells the window something. */
  abstract tell(...changes: Change[]): void;

  async lookNearby(active: boolean): Promise<void> {
    this.call("lookNearby", active);
  }

  async setDiscovery(discovery: Discovery): Promise<void> {
    this.call("setDiscovery", discovery);
    this.refuseUnless(discovery === "off" || !this.scene.deaf, "no_discovery");
    this.around.discovery(discovery);
  }

  async scan(): Promise<void> {
    this.call("scan");
    this.around.scan();
    const timer = setInterval(() => this.around.step() || clearInterval(timer), ANSWER_MS);
  }

  async stopScan(): Promise<void> {
    this.call("stopScan");
    this.around.stopScan();
  }

  async joinNearby(room: RoomId): Promise<void> {
    this.call("joinNearby", room);
    await wait(ANSWER_MS);
    const { joins } = this.scene;
    const near = this.around.find(room);
    if (joins || !near) this.refuseUnless(false, joins ?? "room_not_there");
    else
      this.tell({ change: "room_opened", room: opening(room, near.name, near.addresses[0] ?? "") });
  }

  async checkUp(): Promise<Checkup> {
    this.call("checkUp");
    await wait(ANSWER_MS);
    const checkup = this.scene.checkup ?? WELL;
    if (typeof checkup === "string")
      throw { code: checkup, message: "as the scene says" } satisfies Failure;
    return checkup;
  }

  async handOut(link: string): Promise<Handout> {
    this.call("handOut", link);
    return handedOut(link);
  }

  async saveQr(link: string, format: PictureFormat): Promise<string> {
    this.call("saveQr", link, format);
    return `/home/ada/Downloads/ChatSpot invite to Workshop.${format}`;
  }

  async copyQr(link: string): Promise<void> {
    this.call("copyQr", link);
  }

  protected call(...call: readonly unknown[]): void {
    this.calls.push(call);
  }

  protected refuseUnless(good: boolean, code: FailureCode): void {
    if (!good) throw { code, message: "as the real one would" } satisfies Failure;
  }
}
