import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import type { Db } from './db/database.ts'
import type { SecretBox } from './kit/secret-box.ts'
import { StartError } from './kit/start-error.ts'

const MARK = 'postback-relay'
const READ_TRIES_MAX = 40
const READ_AGAIN_MS = 25

/** SECRETS_KEY, else the one in DATA_DIR/secrets-key, made at the first start. Throws StartError. */
export async function readOrMakeSecretsKey(config: Pick<Config, 'secretsKey' | 'dataDir'>): Promise<string> {
  if (config.secretsKey !== null) return config.secretsKey
  const file = join(resolve(config.dataDir), 'secrets-key')
  try {
    await mkdir(config.dataDir, { recursive: true })
    // Of two processes that start together one makes the file and both read it.
    const made = randomBytes(32).toString('base64url')
    await writeFile(file, made, { mode: 0o600, flag: 'wx', flush: true }).catch(unlessExists)
    return await readWritten(file)
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(
      `SECRETS_KEY is not set, and ${file} can not be made: set SECRETS_KEY or DATA_DIR.`,
      error,
    )
  }
}

/** Whoever makes the file has it for a moment without its content. */
async function readWritten(file: string): Promise<string> {
  for (let tries = 0; tries < READ_TRIES_MAX; tries++) {
    const key = (await readFile(file, 'utf8')).trim()
    if (key !== '') return key
    await delay(READ_AGAIN_MS)
  }
  throw new StartError(
    `${file} is empty, which is no key: restore it from a backup or set SECRETS_KEY; where the relay never ran, remove the file.`,
  )
}

function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/**
 * Refuses a key that differs from the one this database's secrets are encrypted with: else each such delivery would
 * fail, one by one. Throws StartError.
 */
export async function assertSecretsKeyFits(db: Db, secrets: SecretBox): Promise<void> {
  await db.query({
    text: 'insert into installation (secrets_key_check) values ($1) on conflict do nothing',
    values: [secrets.seal(MARK)],
  })
  const { rows } = await db.query<{ sealed: string }>({
    text: 'select secrets_key_check as sealed from installation',
  })
  try {
    if (secrets.open(rows[0]?.sealed ?? '') === MARK) return
  } catch {
    // Sealed with another key.
  }
  throw new StartError(
    'SECRETS_KEY is not the key that the secrets in this database are encrypted with: set the one of the first start (if it was generated, it is in secrets-key in the DATA_DIR of that start).',
  )
}
