import { type Static, Type } from 'typebox'
import { NullableText, OneOf } from '../http/wire.ts'

export const Liveness = Type.Object({ status: Type.Literal('ok') })

export const Readiness = Type.Object({
  ready: Type.Boolean(),
  missing: Type.Array(OneOf(['postgres']), {
    description: 'what keeps the relay from accepting conversions',
  }),
  postgres: Type.Union([
    Type.Object({
      ok: Type.Literal(true),
      synchronous_commit: Type.String(),
      synchronous_standby_names: Type.String(),
      survives_failover: Type.Boolean(),
    }),
    Type.Object({ ok: Type.Literal(false) }),
  ]),
  queue: Type.Object({
    backend: OneOf(['redis', 'postgres']),
    ok: Type.Boolean(),
    problem: NullableText({ maxLength: 4096 }),
  }),
  workers: Type.Object({ alive: Type.Integer() }),
  warnings: Type.Array(Type.String(), {
    description: 'what slows deliveries but loses nothing, as sentences',
  }),
})
export type Readiness = Static<typeof Readiness>
