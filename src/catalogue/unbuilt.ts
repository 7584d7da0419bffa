import { AppError } from '../kit/app-error.ts'

/** Throws AppError `not_available` for the first of these fields that is sent with a value: never stored and ignored. */
export function refuseUnbuilt(body: Readonly<Record<string, unknown>>, fields: readonly string[]): void {
  const field = fields.find((name) => body[name] != null)
  if (field !== undefined)
    throw new AppError('not_available', {
      field,
      message: `${field} is not built yet.`,
      fix: `Leave ${field} out.`,
    })
}
