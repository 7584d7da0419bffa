type Scalar = string | number | boolean | null

/** Conditions on an answer's body; all that are given must hold. Texts are found ignoring case, never as patterns. */
export type BodyTest = {
  contains?: string
  notContains?: string
  /** The whole body, without white space around it. */
  equals?: string
  /**
   * A place in a JSON body, as names and array indexes joined by dots. The value has the same JSON type and value
   * (equals), or is there and differs (notEquals).
   */
  json?: { path: string; equals?: Scalar; notEquals?: Scalar }
}

/** True if the body meets every condition; an empty test is met by any body. */
export function meetsBodyTest(body: string, test: BodyTest): boolean {
  if (test.contains !== undefined && !containsText(body, test.contains)) return false
  if (test.notContains !== undefined && containsText(body, test.notContains)) return false
  if (test.equals !== undefined && body.trim() !== test.equals) return false
  return test.json === undefined || meetsJsonTest(body, test.json)
}

const containsText = (body: string, text: string): boolean => body.toLowerCase().includes(text.toLowerCase())

function meetsJsonTest(body: string, test: NonNullable<BodyTest['json']>): boolean {
  const value = jsonAt(body, test.path)
  if (value === undefined) return false
  if (test.equals !== undefined && value !== test.equals) return false
  return test.notEquals === undefined || value !== test.notEquals
}

/** The value at a path of a JSON text; undefined where the text is no JSON or has nothing there. */
function jsonAt(text: string, path: string): unknown {
  // Most answers are no JSON, and an error of the parser costs more than a delivery's rendering.
  if (!/^\s*[{[]/.test(text)) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}
