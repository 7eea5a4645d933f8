/** True when JSON text nests arrays and objects deeper than `limit`: told before a parser sees it. */
export function isDeeperThan(json: string, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const char = json[i]
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '[' || char === '{') {
      depth++
      if (depth > limit) return true
    } else if (char === ']' || char === '}') depth--
  }
  return false
}
