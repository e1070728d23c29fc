using Microsoft.ML.Trl.Generation.Constraints;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Whether the newest token of a row ends it.</summary>
/// <param name="endTokens">Tokens that do.</param>
/// <param name="stop">Tells it from the row's new tokens; null never does.</param>
/// <param name="constraint">What the text must be; null for anything.</param>
internal sealed class RowEnds(IReadOnlyList<int> endTokens, Func<IReadOnlyList<int>, bool>? stop, TokenConstraint? constraint)
{
    /// <summary>Looks at the newest token, once per token.</summary>
    /// <returns>Whether the row has come to its end, rather than to a limit. A constrained text has where it is complete.</returns>
    public bool IsReached(GrowingRow row)
    {
        int newest = row.NewTokens[^1];
        if (endTokens.Contains(newest))
            return true;
        if (constraint is null)
            return stop?.Invoke(row.NewTokens) == true;
        row.TextState = constraint.Next(row.TextState, newest, row.NewTokens.Count == 1);
        if (stop?.Invoke(row.NewTokens) == true)
            return true;
        bool isLast = row.NewTokens.Count == row.Limit || (endTokens.Count == 0 && !constraint.CanContinue(row.TextState));
        return isLast && constraint.Accepts(row.TextState);
    }
}
