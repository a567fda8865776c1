/** The sidebar's order: rooms hosted here, rooms joined, rooms that were joined before. */
import type { Recent } from "../generated/protocol";
import type { Room } from "./chat.svelte";

export interface Groups {
  readonly hosted: readonly Room[];
  readonly joined: readonly Room[];
  readonly recents: readonly Recent[];
}

/** Rooms stay where they are while people talk: nothing moves under the pointer. */
export function groupsOf(rooms: readonly Room[], recents: readonly Recent[]): Groups {
  const open = new Set(rooms.map(({ room }) => room));
  return {
    hosted: rooms.filter(({ hosting }) => hosting !== null),
    joined: rooms.filter(({ hosting }) => hosting === null),
    recents: recents.filter(({ room }) => !open.has(room)),
  };
}

/** The room `by` places before or after `from` among those that `fit`, around the ends. */
export function neighbour(
  rooms: readonly Room[],
  from: Room | undefined,
  by: -1 | 1,
  fit: (room: Room) => boolean,
): Room | undefined {
  const at = from ? rooms.indexOf(from) : by > 0 ? -1 : rooms.length;
  for (let step = 1; step <= rooms.length; step++) {
    const room = rooms[(at + by * step + 2 * rooms.length) % rooms.length];
    if (room && room !== from && fit(room)) return room;
  }
  return undefined;
}
