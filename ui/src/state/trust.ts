/**
 * What a person can do about who may come in, who is who, and what is safe: the door, members' standing, comparing codes,
 * links, this installation's identity. Fails like `actions.ts`: next to where it was asked, else in `Ui.alert`.
 */
import type {
  CompareWish,
  InviteId,
  LinkQuestion,
  MemberId,
  Moderation,
  Role,
  RoomId,
  Target,
} from "../generated/protocol";
import { asFailure, type Transport } from "../transport/transport";
import type { Ui } from "./ui.svelte";

/** What an invite link begins with. */
const LINK = "chatspot://";

/** The invite link in a text that somebody pasted, with whatever was copied around it; null when there is none. */
export function linkIn(text: string): string | null {
  const at = text.toLowerCase().indexOf(LINK);
  return at < 0 ? null : (text.slice(at).trim().split(/\s/u)[0] ?? null);
}

/** What the short text of an invite has, and no address. */
const SHORT_TEXT = /\bkey\s*:/iu;

export class TrustActions {
  readonly #transport: Transport;
  readonly #ui: Ui;

  constructor(transport: Transport, ui: Ui) {
    this.#transport = transport;
    this.#ui = ui;
  }

  suggestPasscode(): Promise<string> {
    return this.#transport.suggestPasscode();
  }

  passcode(room: RoomId, text: string): Promise<void> {
    return this.#transport.passcode(room, text);
  }

  /** What the invite says that a text holds, in whatever form; null when it holds none. Rejects when it holds a bad one. */
  async readInvite(text: string): Promise<LinkQuestion | null> {
    const link = linkIn(text);
    const short = SHORT_TEXT.test(text);
    // No address has a space. What has one may still be no invite: then the address says what is wrong with it.
    if (link === null && !short && !/\s/u.test(text.trim())) return null;
    try {
      return await this.#transport.readLink(link ?? text.trim());
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (link === null && !short && failure.code === "bad_link") return null;
      throw failure;
    }
  }

  /** Joins the room that an invite leads to, and goes there. */
  async joinLink(link: string): Promise<void> {
    this.#ui.go(await this.#transport.joinLink(link));
  }

  setPasscode(room: RoomId, text: string): Promise<void> {
    return this.#transport.setPasscode(room, text);
  }

  makeInvite(
    room: RoomId,
    role: Role,
    uses: number | null,
    seconds: number | null,
  ): Promise<string> {
    return this.#transport.makeInvite(room, role, uses, seconds);
  }

  /** Whether the link of an invite is in the clipboard now. */
  async copyInvite(room: RoomId, invite: InviteId): Promise<boolean> {
    const link = await this.#orAlert(this.#transport.inviteLink(room, invite));
    if (link === undefined) return false;
    return (await this.#orAlert(this.#transport.copyText(link).then(() => true))) ?? false;
  }

  revokeInvite(room: RoomId, invite: InviteId): Promise<unknown> {
    return this.#orAlert(this.#transport.revokeInvite(room, invite));
  }

  answerKnock(room: RoomId, member: MemberId, admit: boolean): Promise<unknown> {
    return this.#orAlert(this.#transport.answerKnock(room, member, admit));
  }

  moderate(room: RoomId, member: MemberId, action: Moderation): Promise<unknown> {
    return this.#orAlert(this.#transport.moderate(room, member, action));
  }

  setRole(room: RoomId, member: MemberId, role: Role): Promise<unknown> {
    return this.#orAlert(this.#transport.setRole(room, member, role));
  }

  deleteMessage(room: RoomId, target: Target): Promise<unknown> {
    return this.#orAlert(this.#transport.deleteMessage(room, target));
  }

  compare(room: RoomId, wish: CompareWish): Promise<unknown> {
    return this.#orAlert(this.#transport.compare(room, wish));
  }

  /** Opens a link that says where it leads; asks about any other. */
  followLink(link: {
    readonly href: string;
    readonly host: string;
    readonly plain: boolean;
  }): void {
    if (link.plain) void this.openLink(link.href);
    else this.#ui.dialog = { dialog: "open-link", href: link.href, host: link.host };
  }

  openLink(href: string): Promise<unknown> {
    return this.#orAlert(this.#transport.openLink(href));
  }

  exportIdentity(passphrase: string): Promise<string> {
    return this.#transport.exportIdentity(passphrase);
  }

  importIdentity(text: string, passphrase: string): Promise<void> {
    return this.#transport.importIdentity(text, passphrase);
  }

  restart(): Promise<unknown> {
    return this.#orAlert(this.#transport.restart());
  }

  async #orAlert<T>(doing: Promise<T>): Promise<T | undefined> {
    try {
      return await doing;
    } catch (thrown) {
      this.#ui.alert = asFailure(thrown);
      return undefined;
    }
  }
}
