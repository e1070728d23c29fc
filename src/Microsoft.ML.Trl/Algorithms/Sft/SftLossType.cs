namespace Microsoft.ML.Trl;

/// <summary>What a completion token costs.</summary>
public enum SftLossType
{
    /// <summary>
    /// Negative log-likelihood. TRL's <c>nll</c> and <c>chunked_nll</c> are one here: the vocabulary projection always runs in chunks, on
    /// labelled tokens only.
    /// </summary>
    Nll,
    /// <summary>Negative log-likelihood weighted by the token's own probability, taken as a constant: arXiv:2508.05629, Eq. 9.</summary>
    Dft,
}
