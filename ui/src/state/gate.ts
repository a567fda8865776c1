/** What stands between the person at this window and a room. Pure. */
import type { LinkState, Trouble } from "../generated/protocol";

export type Gate =
  | { readonly gate: "passcode"; readonly wrong: boolean }
  | { readonly gate: "knocking" }
  /** Something else answers in the room's place. */
  | { readonly gate: "changed" }
  | {
      readonly gate: "refused";
      readonly trouble: Trouble;
      /** What helps: trying again, an invite, or nothing that a button could do. */
      readonly next: "again" | "invite" | "nothing";
    };

const REFUSALS: Partial<Record<Trouble, "again" | "invite" | "nothing">> = {
  banned: "nothing",
  kicked: "again",
  locked: "again",
  invite_needed: "invite",
  bad_invite: "invite",
  not_local: "again",
  denied: "again",
  slow_down: "again",
};

/** The gate, if there is one: other troubles are the connection's, and end by themselves or with a click. */
export function gateOf(link: LinkState): Gate | null {
  if (link.state === "passcode") return { gate: "passcode", wrong: link.wrong };
  if (link.state === "knocking") return { gate: "knocking" };
  if (!("trouble" in link)) return null;
  if (link.trouble === "key_changed") return { gate: "changed" };
  const next = link.state === "closed" ? REFUSALS[link.trouble] : undefined;
  return next ? { gate: "refused", trouble: link.trouble, next } : null;
}
