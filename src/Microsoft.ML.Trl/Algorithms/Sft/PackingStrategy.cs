namespace Microsoft.ML.Trl;

/// <summary>How short examples share a row of <see cref="SftOptions.MaxLength"/> tokens.</summary>
public enum PackingStrategy
{
    /// <summary>Best fit, longest first; an example that is too long is cut. Examples in one row do not see each other.</summary>
    Bfd,
    /// <summary>As <see cref="Bfd"/>, but an example that is too long goes on in another piece.</summary>
    BfdSplit,
    /// <summary>
    /// One stream of all examples, cut every <see cref="SftOptions.MaxLength"/> tokens; examples in one row see each other.
    /// </summary>
    Wrapped,
}
