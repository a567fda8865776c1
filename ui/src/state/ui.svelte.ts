/** Where the person at this window is: which room or page, which dialog. Says nothing about the chat itself. */
import type {
  Failure,
  LinkQuestion,
  MemberId,
  Place,
  Recent,
  RoomId,
  Target,
} from "../generated/protocol";
import type { Prefs } from "./prefs.svelte";

/** What is asked about before it is done. */
export type Asked = { readonly room: RoomId; readonly name: string } & (
  | { readonly act: "kick" | "ban" | "owner"; readonly member: MemberId }
  | { readonly act: "delete"; readonly target: Target; readonly mine: boolean }
);

/** What stands over the page. */
export type Dialog =
  | { readonly dialog: "host" | "join" | "doctor" | "settings" | "switcher" | "shortcuts" }
  | {
      readonly dialog: "invite" | "stop" | "leave" | "retention" | "export" | "door" | "security";
      readonly room: RoomId;
    }
  | {
      /** Somebody of a room, and what can be done about them. */
      readonly dialog: "member";
      readonly room: RoomId;
      readonly member: MemberId;
      readonly name: string;
    }
  | { readonly dialog: "sure"; readonly asked: Asked }
  | { readonly dialog: "open-link"; readonly href: string; readonly host: string }
  | { readonly dialog: "link"; readonly question: LinkQuestion }
  | { readonly dialog: "forget"; readonly recent: Recent }
  | {
      readonly dialog: "rejoin";
      readonly recent: Recent;
      /** The message that is to show then. */
      readonly place: Place | null;
    }
  | {
      readonly dialog: "search";
      /** In which room; none for everywhere. */
      readonly room: RoomId | null;
    };

export class Ui {
  readonly #prefs: Pick<Prefs, "place">;
  #place = $state<RoomId | null>(null);
  /** The dialog that is open. */
  dialog = $state.raw<Dialog | null>(null);
  /** The message that a room is to show next; the room takes it when it does. */
  spot = $state.raw<{ readonly room: RoomId; readonly place: Place } | null>(null);
  /** In a narrow window, where one pane shows at a time: whether that is the list of rooms. */
  listShown = $state(false);
  /** Whether the member list lies over the room, where there is no space beside it. */
  membersOver = $state(false);
  /** What went wrong and has no better place to be said. */
  alert = $state.raw<Failure | null>(null);
  /** Whether it was taken note of that this computer's history was damaged, and the relay's files. */
  recoveryRead = $state(false);
  hostRecoveryRead = $state(false);

  /** Why there is no chat to show at all. */
  broken = $state.raw<Failure | null>(null);

  constructor(prefs: Pick<Prefs, "place">) {
    this.#prefs = prefs;
  }

  /** The room that is chosen, open or not; none for the start page. */
  get place(): RoomId | null {
    return this.#place;
  }

  /** The window begins here, unless somebody already went elsewhere. */
  start(place: RoomId | null): void {
    this.#place ??= place;
  }

  /** Goes to a room or, with null, to the start page. */
  go(place: RoomId | null): void {
    this.#place = place;
    this.listShown = false;
    this.membersOver = false;
    this.#prefs.place = place;
  }
}
