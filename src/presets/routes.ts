import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Preset } from '../../config/presets/preset.ts'
import { preset as builtIn, PRESETS } from '../../config/presets/presets.ts'
import { syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { NewPreset, PresetAnswer, PresetList, PresetParams, PresetPatch, type PresetWire } from './schema.ts'
import { changePreset, createPreset, notFound } from './write-preset.ts'

const tags = ['presets']

/** /presets, registered under /v1: those of the program and the network's own. */
export const presetRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/presets',
      { schema: { tags, summary: 'List all, the own ones first', response: { 200: PresetList } } },
      async () => {
        await syncCatalogue(ctx)
        return { data: [...ctx.catalogue.presets(), ...PRESETS].map(toWire), next_cursor: null }
      },
    )

    app.get(
      '/presets/:name',
      { schema: { tags, summary: 'Read one', params: PresetParams, response: { 200: PresetAnswer } } },
      async (req) => {
        await syncCatalogue(ctx)
        const { name } = req.params
        const found = builtIn(name) ?? ctx.catalogue.presets().find((one) => one.name === name)
        if (found === undefined) throw notFound()
        return toWire(found)
      },
    )

    app.post(
      '/presets',
      {
        schema: {
          tags,
          summary: "Describe a tracker of the network's own",
          description:
            'Used to recognise URLs, to lint them and to tell refusals. Texts are compared as they are, ignoring case; there are no patterns but * in host and path.',
          body: NewPreset,
          response: { 201: PresetAnswer },
        },
      },
      async (req, reply) => reply.code(201).send(toWire(await createPreset(ctx, req.body))),
    )

    app.patch(
      '/presets/:name',
      {
        schema: {
          tags,
          summary: 'Change an own one',
          params: PresetParams,
          body: PresetPatch,
          response: { 200: PresetAnswer },
        },
      },
      async (req) => toWire(await changePreset(ctx, req.params.name, req.body)),
    )
  }

const toWire = (preset: Preset): PresetWire => ({ ...preset, built_in: builtIn(preset.name) !== null })
