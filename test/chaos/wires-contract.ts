/** `refusing` resets connections; `silent` keeps them and carries nothing, as a dead network does. */
export type WireMode = 'open' | 'refusing' | 'silent'

export type WireQuestion =
  | { ask: 'open'; wire: string; targetPort: number }
  | { ask: 'mode'; wire: string; mode: WireMode }
