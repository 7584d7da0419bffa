import type { Config } from '../config/schema.ts'
import { buildApp } from './app.ts'
import type { Context } from './context.ts'
import { createIntake } from './intake/create-intake.ts'
import { toError } from './kit/app-error.ts'
import { StartError } from './kit/start-error.ts'

/** Connections that wait to be taken; what comes over it is tried again by the caller's system after 1, 3, 7 s. */
const BACKLOG_MAX = 4096

export type Api = {
  /** Where it listens, e.g. http://127.0.0.1:8080. */
  address: string
  /** Stops accepting, answers what has arrived, and stores it. */
  close(): Promise<void>
}

const CLOSE_MS_MAX = 5000

/** Serves HTTP and takes conversions in. Throws StartError where HOST or PORT can not be had. */
export async function startApi(ctx: Context): Promise<Api> {
  const intake = createIntake(ctx)
  const app = await buildApp(ctx, { intake })
  try {
    const address = await app.listen({
      host: ctx.config.host,
      port: ctx.config.port,
      backlog: BACKLOG_MAX,
    })
    return {
      address,
      async close() {
        const patience = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS_MAX)
        await app.close()
        clearTimeout(patience)
        await intake.close()
      },
    }
  } catch (error) {
    await app.close()
    await intake.close()
    throw listenFailure(ctx.config, toError(error))
  }
}

function listenFailure({ host, port }: Config, error: Error): Error {
  const fix = FIXES['code' in error ? String(error.code) : '']
  if (fix === undefined) return error
  return new StartError(`PORT ${port} on HOST ${host} ${fix}.`, error)
}

const FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop the program that has it, or set another PORT',
  EACCES: 'needs more rights: set a PORT over 1023',
  EADDRNOTAVAIL: 'is not an address of this machine: correct HOST (0.0.0.0 for all addresses)',
  ENOTFOUND: 'has no address: correct HOST',
  EAI_AGAIN: 'has no address: correct HOST',
}
