namespace Microsoft.ML.Tokenizers;

/// <summary>The end of text, runs of blanks and runs of tabs that CodeGen added behind GPT-2's vocabulary, longest first.</summary>
internal static class CodeGenSpecialTokens
{
    public static Dictionary<string, int> Create()
    {
        var tokens = new Dictionary<string, int> { ["<|endoftext|>"] = 50256 };
        for (int blanks = 31; blanks >= 2; blanks--)
            tokens.Add(new string(' ', blanks), 50288 - blanks);
        for (int tabs = 9; tabs >= 2; tabs--)
            tokens.Add(new string('\t', tabs), 50296 - tabs);
        return tokens;
    }
}
