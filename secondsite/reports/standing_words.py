"""How well a plan is proved, in words for people. Pure."""

from __future__ import annotations

from secondsite.reports.markdown_text import markdown_text
from secondsite.run.proof import Proof, ProofState

__all__ = ["standing_lines", "standing_markdown"]

_MEANS = {
    ProofState.DRAFT: "it has never been rehearsed with success",
    ProofState.VERIFIED: "it was rehearsed as it is now",
    ProofState.STALE: "its last successful rehearsal proves something else, or is too old",
    ProofState.FAILING: "its last rehearsal, or a check since, found it wanting",
}


def standing_lines(proof: Proof) -> list[str]:
    """The standing in a few lines of plain text."""
    lines = [f"{proof.state}: {_MEANS[proof.state]}"]
    lines += [f"  {reason}" for reason in proof.reasons]
    if proof.verified_at is not None and proof.state is not ProofState.VERIFIED:
        lines.append(
            f"  last verified {proof.verified_at:%Y-%m-%d %H:%M} UTC by {proof.verified_by}"
        )
    if proof.stale_at is not None and proof.state is ProofState.VERIFIED:
        lines.append(f"  good until {proof.stale_at:%Y-%m-%d %H:%M} UTC")
    if proof.next_step:
        lines.append(f"  → {proof.next_step}")
    return lines


def standing_markdown(plan: str, proof: Proof) -> str:
    """The standing as Markdown."""
    first, *rest = standing_lines(proof)
    parts = [
        f"# {markdown_text(plan)}: {proof.state}",
        markdown_text(first.partition(": ")[2]) + ".",
    ]
    if rest:
        parts.append("\n".join(f"- {markdown_text(line.strip())}" for line in rest))
    return "\n\n".join(parts) + "\n"
