import { type FastifyPluginAsyncTypebox, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { resolveFilter, syncCatalogue } from '../catalogue/resource.ts'
import { LIST_BODY_BYTES_MAX } from '../http/server.ts'
import { AppError } from '../kit/app-error.ts'
import { exportDestinations } from './export-destinations.ts'
import { importDestinations } from './import-destinations.ts'
import { lintUrl } from './lint.ts'
import { findPreset } from './recognise.ts'
import { readCsv, type TransferRow, toCsv } from './transfer-csv.ts'
import {
  ExportAnswer,
  ExportQuery,
  ImportAnswer,
  ImportBody,
  ImportQuery,
  LintAnswer,
  LintBody,
  ROWS_MAX,
} from './transfer-schema.ts'
import type { WriteContext } from './write-destination.ts'

const tags = ['destinations']

/** /destinations/lint, /import and /export, registered under /v1. */
export const transferRoutes =
  (ctx: WriteContext): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, async (_: unknown, bytes: Buffer) =>
      utf8(bytes),
    )

    app.post(
      '/destinations/lint',
      {
        config: { checksOwnText: true },
        schema: {
          tags,
          summary: 'Say what a URL is and what is wrong with it; nothing is stored or called',
          body: LintBody,
          response: { 200: LintAnswer },
        },
      },
      async (req) => {
        await syncCatalogue(ctx)
        const presets = ctx.catalogue.presets()
        const { url, preset = null, method } = req.body
        if (preset !== null && findPreset(preset, presets) === null)
          throw new AppError('invalid_field', {
            field: 'preset',
            message: 'There is no such preset.',
            fix: 'Use a name of GET /v1/presets, or leave preset out.',
          })
        return lintUrl(url, {
          preset,
          presets,
          allowCidrs: ctx.config.outboundAllowCidrs,
          ...(method !== undefined && { method }),
        })
      },
    )

    addImportRoute(app as unknown as FastifyInstance, ctx)

    app.get(
      '/destinations/export',
      {
        schema: {
          tags,
          summary: 'All of them, as import takes them; secrets are not shown',
          querystring: ExportQuery,
          response: { 200: Type.Union([ExportAnswer, Type.String({ description: 'text/csv' })]) },
        },
      },
      async (req, reply) => {
        const affiliateId = await resolveFilter(ctx, {
          noun: 'affiliate',
          field: 'affiliate_id',
          text: req.query.affiliate_id,
        })
        const rows = await exportDestinations(ctx, affiliateId)
        if (req.query.format !== 'csv') return reply.send({ data: rows })
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', 'attachment; filename="destinations.csv"')
          .send(toCsv(rows))
      },
    )
  }

function addImportRoute(app: FastifyInstance, ctx: WriteContext): void {
  app.post(
    '/destinations/import',
    {
      bodyLimit: LIST_BODY_BYTES_MAX,
      config: { checksOwnText: true },
      schema: {
        tags,
        summary: 'Create or change up to 1,000 from CSV (text/csv) or JSON {"data":[...]}',
        description:
          'Rows have the fields of a destination; a known id or external_id is changed, others are created. In CSV lists are joined by |, headers, secrets, success and retry are JSON, url_by_status is url_pending, url_approved, url_rejected.',
        consumes: ['application/json', 'text/csv'],
        body: ImportBody,
        querystring: ImportQuery,
        response: { 200: ImportAnswer },
      },
      // Its rows are checked one by one: a bad one refuses itself only.
      validatorCompiler: (route) =>
        route.httpPart === 'body' ? (value: unknown) => ({ value }) : TypeBoxValidatorCompiler(route),
    },
    async (req) => {
      await syncCatalogue(ctx)
      const { dry_run: dryRun = false } = req.query as { dry_run?: boolean }
      const keepsOtherUrls = typeof req.body === 'string'
      return importDestinations(ctx, readRows(req), { dryRun, keepsOtherUrls, requestId: req.id })
    },
  )
}

function readRows(req: FastifyRequest): (TransferRow | AppError)[] {
  const rows = typeof req.body === 'string' ? readCsv(req.body) : readJson(req.body)
  if (rows.length >= 1 && rows.length <= ROWS_MAX) return rows
  throw new AppError('invalid_field', {
    field: 'data',
    message: `There are ${rows.length > ROWS_MAX ? 'too many' : 'no'} rows.`,
    fix: `Send 1 to ${ROWS_MAX} rows.`,
  })
}

function readJson(body: unknown): (TransferRow | AppError)[] {
  const rows = (body as { data?: unknown } | null | undefined)?.data
  if (!Array.isArray(rows))
    throw new AppError('missing_field', {
      field: 'data',
      message: 'data is missing.',
      fix: 'Send {"data":[...]}, or a CSV with content-type text/csv.',
    })
  return rows.map((row: unknown) =>
    typeof row === 'object' && row !== null && !Array.isArray(row)
      ? (row as TransferRow)
      : new AppError('malformed', { message: 'The row is no object.', fix: 'Send an object per row.' }),
  )
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('invalid_encoding', {
      message: 'The CSV is not valid UTF-8.',
      fix: 'Save it as UTF-8.',
      cause,
    })
  }
}
