import type { FloodSecond } from './flood-contract.ts'

const WIDTH = 760
const HEIGHT = 200
const LEFT = 56
const COLORS = ['#1f5fa8', '#6b9fd4', '#b3541e', '#e0a070']

/** Two plots over time: calls accepted and refused per second; memory of each process. */
export function drawBackPressure(
  seconds: readonly FloodSecond[],
  rssMb: ReadonlyMap<string, readonly number[]>,
): string {
  const calls = new Map([
    ['accepted', seconds.map((second) => second.accepted.length)],
    ['refused', seconds.map((second) => second.refused)],
  ])
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${2 * (HEIGHT + 60)}" font-family="sans-serif" font-size="12">
<title>Calls and memory over time</title>
<rect width="100%" height="100%" fill="#fff"/>
${drawLines('Calls per second', calls, 0)}
${drawLines('Resident memory, MB', rssMb, HEIGHT + 60)}
</svg>
`
}

function drawLines(title: string, lines: ReadonlyMap<string, readonly number[]>, top: number): string {
  const most = Math.max(1, ...[...lines.values()].flat())
  const length = Math.max(2, ...[...lines.values()].map((line) => line.length))
  const x = (index: number): string => (LEFT + (index / (length - 1)) * (WIDTH - LEFT - 20)).toFixed(1)
  const y = (value: number): string => (top + 30 + (1 - value / most) * HEIGHT).toFixed(1)
  const drawn = [...lines].map(([name, line], index) => {
    const color = COLORS[index % COLORS.length]
    const points = line.map((value, at) => `${x(at)},${y(value)}`).join(' ')
    return `<polyline points="${points}" fill="none" stroke="${color}"/><text x="${LEFT + 150 + index * 110}" y="${top + 18}" fill="${color}">${name}</text>`
  })
  return `<text x="8" y="${top + 18}" font-weight="bold">${title}</text>
<text x="${LEFT - 6}" y="${y(most)}" text-anchor="end">${most}</text><text x="${LEFT - 6}" y="${y(0)}" text-anchor="end">0</text>
<line x1="${LEFT}" y1="${y(0)}" x2="${WIDTH - 20}" y2="${y(0)}" stroke="#999"/>
<text x="${WIDTH - 20}" y="${top + HEIGHT + 46}" text-anchor="end">${length} s</text>
${drawn.join('\n')}`
}
