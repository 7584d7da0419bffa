import type { Preset } from '../../config/presets/preset.ts'
import { bindPreset, boundPreset, ownPresetFor } from '../destinations/recognise.ts'
import { decodeId, encodeId, type Uuid } from '../kit/ids.ts'
import type { Advertiser, Affiliate, Catalogue, CatalogueNoun, Destination, Offer } from './catalogue.ts'
import { type AdvertiserRow, toAdvertiser, toAffiliate, toDestination, toOffer } from './rows.ts'
import type { CatalogueChanges } from './snapshot.ts'

type Token = { advertiserId: Uuid; untilMs: number }
type Entity = { id: Uuid; externalId: string | null }

/** Rows by id and by external id; external ids may move from one row to another between two loads. */
class Shelf<T extends Entity> {
  readonly byId = new Map<Uuid, T>()
  readonly #byExternalId = new Map<string, Uuid>()

  put(entities: readonly T[]): void {
    for (const { id } of entities) {
      const before = this.byId.get(id)?.externalId
      if (before != null) this.#byExternalId.delete(before)
    }
    for (const entity of entities) {
      this.byId.set(entity.id, entity)
      if (entity.externalId !== null) this.#byExternalId.set(entity.externalId, entity.id)
    }
  }

  find(noun: CatalogueNoun, text: string): Uuid | null {
    const id = decodeId(noun, text)
    if (id !== null && this.byId.has(id)) return id
    return this.#byExternalId.get(text) ?? null
  }
}

const NEVER_ENDS = Number.POSITIVE_INFINITY

/** The catalogue's rows and the ways to find them. Applies changes; knows nothing of Postgres. */
export class CatalogueIndex {
  readonly #advertisers = new Shelf<Advertiser>()
  readonly #offers = new Shelf<Offer>()
  readonly #affiliates = new Shelf<Affiliate>()
  readonly #destinations = new Shelf<Destination>()
  #presets: readonly Preset[] = []
  readonly #tokens = new Map<string, Token>()
  readonly #tokensOf = new Map<Uuid, string[]>()
  readonly #destinationsOf = new Map<Uuid, readonly Destination[]>()

  apply(changes: CatalogueChanges): void {
    this.#advertisers.put(changes.advertisers.map(toAdvertiser))
    this.#offers.put(changes.offers.map(toOffer))
    this.#affiliates.put(changes.affiliates.map(toAffiliate))
    this.#putPresets(changes.presets ?? [])
    const destinations = changes.destinations.map(toDestination).map(this.#withPreset)
    this.#destinations.put(destinations)
    for (const row of changes.advertisers) this.#putTokens(row)
    this.#putDestinations(destinations)
    if ((changes.presets ?? []).length > 0) this.#rebindPresets()
  }

  advertiser = (id: Uuid): Advertiser | undefined => this.#advertisers.byId.get(id)
  offer = (id: Uuid): Offer | undefined => this.#offers.byId.get(id)
  affiliate = (id: Uuid): Affiliate | undefined => this.#affiliates.byId.get(id)
  destination = (id: Uuid): Destination | undefined => this.#destinations.byId.get(id)
  destinationsOf = (affiliateId: Uuid): readonly Destination[] => this.#destinationsOf.get(affiliateId) ?? []

  openOffers = (): readonly Offer[] => [...this.#offers.byId.values()].filter(({ archived }) => !archived)
  presets = (): readonly Preset[] => this.#presets

  advertiserByToken(tokenHash: string, nowMs: number): Advertiser | undefined {
    const token = this.#tokens.get(tokenHash)
    if (token === undefined || token.untilMs <= nowMs) return undefined
    return this.advertiser(token.advertiserId)
  }

  resolve: Catalogue['resolve'] = (noun, idOrExternalId) => this.#shelf(noun).find(noun, idOrExternalId)

  partnerId: Catalogue['partnerId'] = (noun, id) =>
    this.#shelf(noun).byId.get(id)?.externalId ?? encodeId(noun, id)

  #shelf(noun: CatalogueNoun): Shelf<Advertiser> | Shelf<Offer> | Shelf<Affiliate> | Shelf<Destination> {
    switch (noun) {
      case 'advertiser':
        return this.#advertisers
      case 'offer':
        return this.#offers
      case 'affiliate':
        return this.#affiliates
      case 'destination':
        return this.#destinations
    }
  }

  #putTokens(row: AdvertiserRow): void {
    for (const hash of this.#tokensOf.get(row.id) ?? []) this.#tokens.delete(hash)
    const hashes = [row.token_hash]
    this.#tokens.set(row.token_hash, { advertiserId: row.id, untilMs: NEVER_ENDS })
    if (row.previous_token_hash !== null && row.previous_token_until !== null) {
      hashes.push(row.previous_token_hash)
      this.#tokens.set(row.previous_token_hash, {
        advertiserId: row.id,
        untilMs: row.previous_token_until.getTime(),
      })
    }
    this.#tokensOf.set(row.id, hashes)
  }

  #putDestinations(changed: readonly Destination[]): void {
    const byAffiliate = Map.groupBy(changed, (destination) => destination.affiliateId)
    for (const [affiliateId, own] of byAffiliate) {
      const ids = new Set(own.map(({ id }) => id))
      const kept = this.destinationsOf(affiliateId).filter(({ id }) => !ids.has(id))
      const open = [...kept, ...own.filter(({ archived }) => !archived)]
      this.#destinationsOf.set(
        affiliateId,
        open.sort((a, b) => (a.id < b.id ? -1 : 1)),
      )
    }
  }

  #putPresets(changed: readonly Preset[]): void {
    if (changed.length === 0) return
    const names = new Set(changed.map(({ name }) => name))
    const all = [...this.#presets.filter(({ name }) => !names.has(name)), ...changed]
    this.#presets = all.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #withPreset = (destination: Destination): Destination => {
    const { definition } = destination
    bindPreset(definition, ownPresetFor(definition, this.#presets))
    return destination
  }

  /** What a definition compiles to is kept with the object, so one that is read otherwise now becomes another object. */
  #rebindPresets(): void {
    const own = this.#presets
    const changed = [...this.#destinations.byId.values()]
      .filter(({ definition }) => ownPresetFor(definition, own) !== boundPreset(definition))
      .map((destination) => this.#withPreset({ ...destination, definition: { ...destination.definition } }))
    this.#destinations.put(changed)
    this.#putDestinations(changed)
  }
}
