/** What the window itself holds an exported identity to, before it asks anybody. */

/** Letters of a passphrase at least: a file that is stolen can be tried at leisure. */
export const PASSPHRASE_LETTERS = 12;
/** Most bytes of an exported identity: a page of text. Nothing larger is read into the window. */
export const IDENTITY_FILE_BYTES = 64 * 1024;
