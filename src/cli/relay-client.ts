import { toError } from '../kit/app-error.ts'
import { CommandError } from './command-error.ts'

/** The HTTP API of a running relay. Each call throws CommandError with one line where the relay refuses or is away. */
export type RelayClient = {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
  delete<T>(path: string): Promise<T>
}

const TIMEOUT_MS = 60_000

export function createRelayClient({ url, key }: { url: string; key: string | null }): RelayClient {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new CommandError(`--url is an address like http://127.0.0.1:8080, not "${url}".`)
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    if (key === null)
      throw new CommandError(
        'No key: give --key, or set ADMIN_KEY (the first start of the relay printed it).',
      )
    if (!/^[\x21-\x7e]+$/.test(key))
      throw new CommandError(
        'The key has signs that no key has, a line break perhaps: give it as it was printed.',
      )
    const response = await send(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      // Followed, it would come without the key, and a POST as a GET.
      redirect: 'manual',
    })
    const asked = new URL(url).origin
    const leadsTo = URL.parse(response.headers.get('location') ?? '', url)?.origin ?? asked
    if (leadsTo !== asked) throw new CommandError(`${asked} leads to ${leadsTo}: give that as --url.`)
    const answer: unknown = await response.json().catch(() => null)
    if (!response.ok) throw new CommandError(refusal(response.status, answer as ErrorAnswer))
    if (answer === null) throw new CommandError(`What answers at ${asked} is no relay.`)
    return answer as T
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    delete: (path) => call('DELETE', path),
  }
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    const reason = toError(toError(error).cause ?? error)
    throw new CommandError(
      `No relay answers at ${url.origin} (${reason.message}): start it, or give --url (or RELAY_URL).`,
    )
  }
}

type ErrorAnswer = { error?: { message?: string; field?: string; fix?: string } } | null

function refusal(status: number, answer: ErrorAnswer): string {
  const error = answer?.error
  if (error?.message === undefined) return `The relay answered ${status}.`
  const field = error.field === undefined ? '' : ` (${error.field})`
  return [`${error.message}${field}`, error.fix].filter((part) => part !== undefined).join(' ')
}
