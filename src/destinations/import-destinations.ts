import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { assertStorable } from '../http/text-check.ts'
import { createCheck } from '../http/validation-error.ts'
import { AppError } from '../kit/app-error.ts'
import { encodeId, type Uuid } from '../kit/ids.ts'
import type { Finding } from './findings.ts'
import { presetOf } from './recognise.ts'
import { DestinationPatch, NewDestination } from './schema.ts'
import type { TransferRow } from './transfer-csv.ts'
import type { ImportRowWire, ImportWire } from './transfer-schema.ts'
import {
  type CheckedDestination,
  prepareChange,
  prepareNew,
  type WriteContext,
  writeDestinations,
} from './write-destination.ts'

const checkNew = createCheck(NewDestination)
const checkPatch = createCheck(DestinationPatch)

/** keepsOtherUrls: a row that names the URL of one status keeps those of the others. */
export type ImportOptions = { dryRun: boolean; keepsOtherUrls: boolean; requestId: string }

/**
 * Creates or, where id or external_id is known, changes each destination; what is good is stored at once. A bad row
 * refuses itself only. Hosts are not looked up: the outbound client refuses private addresses anyway. A dry run says the
 * same and stores nothing. The catalogue must be current. Throws AppError where another write comes between.
 */
export async function importDestinations(
  ctx: WriteContext,
  rows: readonly (TransferRow | AppError)[],
  options: ImportOptions,
): Promise<ImportWire> {
  const named = new Set<string>()
  const prepared: (CheckedDestination | AppError)[] = []
  for (const row of rows) {
    // Checking a row costs up to a tenth of a second, and this process answers advertisers too.
    await nextTurn()
    prepared.push(await prepareOrRefuse(ctx, row, { ...options, named }))
  }
  const good = prepared.flatMap((one) => (one instanceof AppError ? [] : [one]))
  if (!options.dryRun && good.length > 0) await writeDestinations(ctx, good)
  const told = prepared.map((one, at): ImportRowWire => {
    const row = rows[at] as TransferRow | AppError
    const shown = { row: at + 1, ...shownOf(row) }
    return one instanceof AppError
      ? { ...shown, ...refusal(one, options.requestId) }
      : { ...shown, ...success(one, options.dryRun) }
  })
  const count = (result: ImportRowWire['result']): number =>
    told.filter((one) => one.result === result).length
  return {
    dry_run: options.dryRun,
    created: count('created'),
    updated: count('updated'),
    refused: count('refused'),
    rows: told,
  }
}

function refusal(error: AppError, requestId: string): Pick<ImportRowWire, 'result' | 'findings' | 'error'> {
  const { findings, ...told } = error.toWire(requestId)
  return { result: 'refused', findings: (findings as Finding[] | undefined) ?? [], error: told }
}

function success(
  { id, isNew, definition, findings }: CheckedDestination,
  dryRun: boolean,
): Pick<ImportRowWire, 'result' | 'id' | 'preset' | 'url' | 'findings'> {
  return {
    result: isNew ? 'created' : 'updated',
    ...(!(isNew && dryRun) && { id: encodeId('destination', id) }),
    preset: presetOf(definition)?.name ?? null,
    url: definition.url,
    findings: [...findings],
  }
}

type RowOptions = Pick<ImportOptions, 'keepsOtherUrls'> & { named: Set<string> }

async function prepareOrRefuse(
  ctx: WriteContext,
  row: TransferRow | AppError,
  options: RowOptions,
): Promise<CheckedDestination | AppError> {
  if (row instanceof AppError) return row
  try {
    return await prepareRow(ctx, row, options)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

async function prepareRow(
  ctx: WriteContext,
  row: TransferRow,
  { named, keepsOtherUrls }: RowOptions,
): Promise<CheckedDestination> {
  assertStorable(row, '')
  const { id: idText, ...fields } = row
  const id = findKnown(ctx.catalogue, idText, fields.external_id)
  const checked =
    id === null
      ? await prepareCreated(ctx, fields)
      : await prepareChanged(ctx, id, keepsOtherUrls ? withOtherUrls(ctx, id, fields) : fields)
  const holder = checked.externalId == null ? null : ctx.catalogue.resolve('destination', checked.externalId)
  if (holder !== null && holder !== id) throw new AppError('external_id_taken', { field: 'external_id' })
  for (const name of [id ?? '', checked.externalId ?? ''].filter((one) => one !== '')) {
    if (named.has(name))
      throw new AppError('invalid_field', {
        field: 'external_id',
        message: 'An earlier row is about the same destination.',
        fix: 'Keep one row per destination.',
      })
    named.add(name)
  }
  return checked
}

/** Throws AppError where an id is given and nothing has it. */
function findKnown(catalogue: Context['catalogue'], id: unknown, externalId: unknown): Uuid | null {
  if (id !== undefined && id !== null) {
    const known = typeof id === 'string' ? catalogue.resolve('destination', id) : null
    if (known !== null) return known
    throw new AppError('invalid_field', {
      field: 'id',
      message: 'There is no destination with this id.',
      fix: 'Leave id out to create one; external_id finds it again later.',
    })
  }
  return typeof externalId === 'string' ? catalogue.resolve('destination', externalId) : null
}

function prepareCreated(ctx: WriteContext, fields: TransferRow): Promise<CheckedDestination> {
  return prepareNew(ctx, checkNew(fields))
}

/** A cell of one status says nothing of the other statuses' URLs. */
function withOtherUrls({ catalogue }: WriteContext, id: Uuid, fields: TransferRow): TransferRow {
  const stored = catalogue.destination(id)?.definition.url_by_status
  return fields.url_by_status === undefined
    ? fields
    : { ...fields, url_by_status: { ...stored, ...(fields.url_by_status as object) } }
}

function prepareChanged(ctx: WriteContext, id: Uuid, fields: TransferRow): Promise<CheckedDestination> {
  const patch = checkPatch(fields)
  if ('archived' in fields) throw new AppError('unknown_field', { field: 'archived' })
  if (ctx.catalogue.destination(id)?.archived) throw new AppError('archived', { field: 'id' })
  return prepareChange(ctx, { id, patch })
}

function shownOf(row: TransferRow | AppError): Pick<ImportRowWire, 'external_id' | 'preset' | 'url'> {
  const text = (name: string, max: number): string | null => {
    const value = row instanceof AppError ? null : row[name]
    return typeof value === 'string' ? value.slice(0, max).toWellFormed() : null
  }
  return { external_id: text('external_id', 64), preset: text('preset', 64), url: text('url', 8192) }
}
