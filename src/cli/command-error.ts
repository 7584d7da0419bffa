/** A mistake in what was typed, or what the relay refused: one line, status 1. */
export class CommandError extends Error {}
