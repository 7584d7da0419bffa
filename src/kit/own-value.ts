/** The value of a name that a record has itself: one like `constructor` comes from somebody's text, not from the record. */
export const ownValue = (values: Readonly<Record<string, string>>, name: string): string | null =>
  Object.hasOwn(values, name) ? (values[name] ?? null) : null
