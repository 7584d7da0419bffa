// biome-ignore lint/suspicious/noExplicitAny: a script that reads what it asked for
export type Json = any

export type Client = {
  url: string
  /** Throws an error that holds the answer where it is no 2xx. */
  ask(method: string, path: string, body?: unknown): Promise<Json>
  /** Null where there is no such thing. */
  find(path: string): Promise<Json | null>
  /** As a browser or an advertiser calls: without a key, whatever the answer. */
  visit(path: string): Promise<{ status: number; location: string | null; json: Json }>
}

export function createClient(url: string, key: string): Client {
  const send = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const read = async (response: Response, asked: string): Promise<Json> => {
    const text = await response.text()
    if (!response.ok) throw new Error(`${asked}: ${response.status} ${text}`)
    return JSON.parse(text)
  }
  return {
    url,
    ask: async (method, path, body) => read(await send(method, path, body), `${method} ${path}`),
    async find(path) {
      const response = await send('GET', path)
      return response.status === 404 ? null : read(response, `GET ${path}`)
    },
    async visit(path) {
      const response = await fetch(url + path, { redirect: 'manual' })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json') === true
      return {
        status: response.status,
        location: response.headers.get('location'),
        json: isJson ? JSON.parse(text) : null,
      }
    },
  }
}
