/**
 * A connection with these options beside those that its URL asks for (a search_path, Neon's endpoint); ours count where both
 * name one. pg would take those of the URL alone, and with them go our limits, UTC and BullMQ's search_path.
 */
export function withServerOptions(
  connectionString: string,
  options: string,
): { connectionString: string; options: string } {
  const url = URL.parse(connectionString)
  const asked = url?.searchParams.get('options') ?? null
  if (url === null || asked === null) return { connectionString, options }
  url.searchParams.delete('options')
  return { connectionString: url.href, options: `${asked} ${options}` }
}
