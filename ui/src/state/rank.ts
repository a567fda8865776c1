/** What a member may do in a room, as the window offers it. The relay decides: this only spares people a refusal. */
import type { MemberId, Role } from "../generated/protocol";
import type { Room } from "./chat.svelte";

const RANKS: Record<Role, number> = { owner: 0, moderator: 1, member: 2, guest: 3, unknown: 3 };

/** Whether a role keeps the door and the order. */
export function isStaff(role: Role): boolean {
  return RANKS[role] <= RANKS.moderator;
}

/** What the person at this window may do in a room. Whoever hosts a room that is closed is nobody's guest. */
export function ownRole(room: Room, me: MemberId | undefined): Role {
  const self = room.members.find(({ member }) => member === me);
  return self?.role ?? (room.hosting ? "owner" : "guest");
}

/** Whether somebody of that role mutes, sends out and bans somebody of the other. */
export function moderates(role: Role, other: Role): boolean {
  return isStaff(role) && RANKS[role] < RANKS[other];
}
