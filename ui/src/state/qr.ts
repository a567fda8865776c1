/** The drawing of a QR code (ISO/IEC 18004): one path of all dark modules. */
import type { Qr } from "../generated/protocol";

/** The quiet zone around it, in modules: what the standard asks for (section 9.1). */
export const QUIET = 4;

/** One rectangle for each run of dark modules in a row. */
export function qrPath({ rows }: Qr): string {
  return rows
    .flatMap((row, y) =>
      [...row.matchAll(/1+/g)].map(
        ({ index, 0: run }) => `M${index + QUIET} ${y + QUIET}h${run.length}v1h-${run.length}z`,
      ),
    )
    .join("");
}
