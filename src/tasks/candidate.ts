/** Something that a detector may have found: a box in pixels of the tensor, with the number of its label. */
export interface Candidate {
  left: number
  top: number
  right: number
  bottom: number
  label: number
  score: number
}
