/** Where the person at this window is: which room or page, which dialog. Says nothing about the chat itself. */
import type { Failure, RoomId } from "../generated/protocol";
import { keep, kept } from "./keep";

/** What stands over the page. */
export type Dialog =
  | { readonly dialog: "host" | "join" | "settings" | "switcher" | "shortcuts" }
  | { readonly dialog: "invite" | "stop" | "leave"; readonly room: RoomId };

export class Ui {
  #place = $state<RoomId | null>(
    kept("place", (value): value is RoomId | null => typeof value === "string", null),
  );
  /** The dialog that is open. */
  dialog = $state.raw<Dialog | null>(null);
  /** In a narrow window, where one pane shows at a time: whether that is the list of rooms. */
  listShown = $state(false);
  /** Whether the member list lies over the room, where there is no space beside it. */
  membersOver = $state(false);
  /** What went wrong and has no better place to be said. */
  alert = $state.raw<Failure | null>(null);

  /** Why there is no chat to show at all. */
  broken = $state.raw<Failure | null>(null);

  /** The room that is chosen, open or not; none for the start page. */
  get place(): RoomId | null {
    return this.#place;
  }

  /** Goes to a room or, with null, to the start page. */
  go(place: RoomId | null): void {
    this.#place = place;
    this.listShown = false;
    this.membersOver = false;
    keep("place", place);
  }
}
