type Bar = { name: string; deliveredWhileLoadedPerS: number; deliveredWithDrainPerS: number }

const ROW = 44
const LEFT = 190
const WIDTH = 760

/** Two bars per variant: deliveries per second while loaded (dark) and with the drain after (light). */
export function drawPlot(bars: readonly Bar[]): string {
  const most = Math.max(
    1,
    ...bars.flatMap((bar) => [bar.deliveredWhileLoadedPerS, bar.deliveredWithDrainPerS]),
  )
  const scale = (value: number): number => (value / most) * (WIDTH - LEFT - 70)
  const rows = bars.map((bar, index) => {
    const y = 34 + index * ROW
    const draw = (value: number, top: number, fill: string): string =>
      `<rect x="${LEFT}" y="${top}" width="${scale(value).toFixed(1)}" height="15" fill="${fill}"/>` +
      `<text x="${LEFT + scale(value) + 6}" y="${top + 12}">${Math.round(value)}</text>`
    return (
      `<text x="${LEFT - 8}" y="${y + 20}" text-anchor="end">${bar.name}</text>` +
      draw(bar.deliveredWhileLoadedPerS, y, '#1f5fa8') +
      draw(bar.deliveredWithDrainPerS, y + 17, '#9ec3ea')
    )
  })
  const height = 44 + bars.length * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<title>Deliveries per second of each variant</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="8" y="18" font-weight="bold">Deliveries per second: while loaded (dark), with the drain after (light)</text>
${rows.join('\n')}
</svg>
`
}
