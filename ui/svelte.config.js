/** Svelte: runes in every component, warnings included. */
export default { compilerOptions: { runes: true } };
