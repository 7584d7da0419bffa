/** Which methods an address takes: the router itself can only be asked with a method. */
export type RouteTable = {
  add(methods: string | readonly string[], pattern: string): void
  /** Methods of all routes that fit the path; empty: there is nothing at this address. */
  methodsOf(url: string): string[]
}

export function createRouteTable(): RouteTable {
  const routes: { segments: string[]; methods: readonly string[] }[] = []
  return {
    add(methods, pattern) {
      routes.push({ segments: toSegments(pattern), methods: [methods].flat() })
    },
    methodsOf(url) {
      const path = toSegments(url.split('?', 1)[0] ?? '')
      const fitting = routes.filter(({ segments }) => fits(path, segments))
      return [...new Set(fitting.flatMap(({ methods }) => methods))].sort()
    },
  }
}

/** As the router reads it: doubled slashes and one at the end do not count. */
const toSegments = (path: string): string[] => path.split('/').filter((segment) => segment !== '')

function fits(path: readonly string[], pattern: readonly string[]): boolean {
  if (pattern.at(-1) === '*') return pattern.slice(0, -1).every((segment, at) => segment === path[at])
  return (
    path.length === pattern.length &&
    pattern.every((segment, at) => segment.startsWith(':') || segment === path[at])
  )
}
