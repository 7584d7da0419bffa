import { createPostgresBackend } from 'bullmq'

/**
 * BullMQ's Postgres backend, made safe to close: closing takes every listener off the LISTEN connection before it
 * ends it, and a connection that breaks in between would then end the process with an unheard 'error'.
 */
export const createSafePostgresBackend: typeof createPostgresBackend = (name, opts, factoryOptions) => {
  const backend = createPostgresBackend(name, opts, factoryOptions)
  const { connection } = backend
  const open = connection.getListenClient.bind(connection)
  connection.getListenClient = async () => {
    const client = await open()
    keepErrorListener(client)
    return client
  }
  return backend
}

type ListenClient = Awaited<
  ReturnType<ReturnType<typeof createPostgresBackend>['connection']['getListenClient']>
>

const guarded = new WeakSet<ListenClient>()

function keepErrorListener(client: ListenClient): void {
  if (guarded.has(client)) return
  guarded.add(client)
  const removeAll = client.removeAllListeners.bind(client)
  client.removeAllListeners = (...events) => {
    removeAll(...events)
    return client.on('error', () => undefined)
  }
}
