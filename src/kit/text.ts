const REPLACEMENT = '\ufffd'

/** The text as Postgres' text and jsonb can hold it: NUL and lone surrogates become U+FFFD. */
export const toStorableText = (text: string): string => text.toWellFormed().replaceAll('\0', REPLACEMENT)
