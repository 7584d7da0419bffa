import type { Uuid } from '../kit/ids.ts'

/** This process's view of the lanes that are not direct, polled each second. */
export type Roads = {
  /** True where fresh work may travel at once in a mixed batch: no lane row, or mode direct. */
  isDirect(destinationId: Uuid): boolean
  close(): Promise<void>
}
