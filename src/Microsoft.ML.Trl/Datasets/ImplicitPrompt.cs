namespace Microsoft.ML.Trl.Datasets;

/// <summary>Prompts that stand in both answers of a pair, and in no column of their own.</summary>
internal static class ImplicitPrompt
{
    /// <summary>
    /// Takes the prompt out of two whole texts: what both begin with, less a space at its end, as TRL's <c>extract_prompt</c> does. Where
    /// one is the beginning of the other, the last character that they share is not part of the prompt. Texts that begin differently have
    /// no prompt (TRL has the first text but for its end, where that ends with a space).
    /// </summary>
    public static (string Prompt, string Chosen, string Rejected) Extract(string chosen, string rejected)
    {
        int shorter = Math.Min(chosen.Length, rejected.Length), shared = 0;
        while (shared < shorter && chosen[shared] == rejected[shared])
            shared++;
        bool isBeginning = shared == shorter;
        if (shared > 0 && IsWithinCharacter(chosen, rejected, shared))
            shared--;
        if (shared > 0 && (isBeginning || chosen[shared - 1] == ' '))
            shared -= isBeginning && shared > 1 && char.IsSurrogatePair(chosen, shared - 2) ? 2 : 1;
        return (chosen[..shared], chosen[shared..], rejected[shared..]);
    }

    /// <summary>Whether a place is between the two halves of a character of four bytes in either text.</summary>
    private static bool IsWithinCharacter(string chosen, string rejected, int at) =>
        (at < chosen.Length && char.IsSurrogatePair(chosen, at - 1)) || (at < rejected.Length && char.IsSurrogatePair(rejected, at - 1));
}
