/** Which of a host's addresses are worth handing out. */
import type { HostAddress, Hosting } from "../generated/protocol";

/** Kinds that lead to other people's computers without more ado. */
const REACHING: readonly HostAddress["kind"][] = ["lan", "public", "vpn"];

/** Those that others can use, and those that rarely help; best first in both. */
export function handOut(hosting: Hosting): {
  readonly reaching: readonly HostAddress[];
  readonly other: readonly HostAddress[];
} {
  const reaches = ({ kind }: HostAddress) => REACHING.includes(kind);
  return {
    reaching: hosting.addresses.filter(reaches),
    other: hosting.addresses.filter((address) => !reaches(address)),
  };
}
