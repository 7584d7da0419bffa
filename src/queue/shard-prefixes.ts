const SLOTS = 16_384

/** The slot a Redis Cluster puts a hash tag into: CRC16 (XMODEM) modulo 16,384, as its cluster specification says. */
export function slotOf(tag: string): number {
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc % SLOTS
}

/**
 * Key prefixes of the shards: `{relay-<i>}` with the lowest i whose slot lies in the shard's own of N equal ranges, so
 * that a cluster with equal masters gets equal shares. All processes compute the same; a change of N moves nothing.
 */
export function shardPrefixes(shards: number): string[] {
  const tags = new Array<string | undefined>(shards).fill(undefined)
  for (let i = 0, missing = shards; missing > 0; i++) {
    const tag = `relay-${i}`
    const range = Math.floor((slotOf(tag) * shards) / SLOTS)
    if (tags[range] !== undefined) continue
    tags[range] = tag
    missing--
  }
  return tags.map((tag) => `{${tag}}`)
}
