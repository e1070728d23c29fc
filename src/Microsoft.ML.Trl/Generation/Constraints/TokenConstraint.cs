using Microsoft.ML.Trl.Tokenization;

namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>
/// Which tokens of a vocabulary may come next. What was worked out for a state is kept, up to a limit. May be used by several threads.
/// </summary>
/// <param name="automaton">Of the texts that match.</param>
/// <param name="trie">Bytes of the tokens.</param>
internal sealed class TokenConstraint(ByteAutomaton automaton, TokenTrie trie)
{
    private const int MostKept = 512; // a state takes a byte per token

    private readonly Dictionary<(int State, TokenTrie Trie), bool[]> _known = [];

    /// <summary>Tokens that the vocabulary has.</summary>
    public int VocabularySize => trie.Count;

    /// <summary>Per token of the vocabulary, whether no text that matches goes on with it.</summary>
    /// <param name="state">Of the text so far.</param>
    /// <param name="begins">Whether there is no token yet.</param>
    /// <returns>Not to be changed.</returns>
    public bool[] Forbidden(int state, bool begins)
    {
        TokenTrie said = Said(begins);
        lock (_known)
        {
            if (_known.TryGetValue((state, said), out bool[]? known))
                return known;
            if (_known.Count == MostKept)
                _known.Clear();
            bool[] forbidden = new bool[said.Count];
            Array.Fill(forbidden, true);
            if (state != ByteAutomaton.Dead)
                foreach (int token in said.Readable(state, automaton.Next))
                    forbidden[token] = false;
            return _known[(state, said)] = forbidden;
        }
    }

    /// <summary>The state after a token.</summary>
    /// <param name="state">Before it.</param>
    /// <param name="token">The token.</param>
    /// <param name="begins">Whether it is the first.</param>
    public int Next(int state, int token, bool begins) =>
        Said(begins).BytesOf(token) is { Length: > 0 } bytes ? automaton.Next(state, bytes) : ByteAutomaton.Dead;

    /// <summary>Whether the text is complete.</summary>
    public bool Accepts(int state) => automaton.Accepts(state);

    /// <summary>Whether the text may go on.</summary>
    public bool CanContinue(int state) => automaton.CanContinue(state);

    private TokenTrie Said(bool begins) => begins ? trie.Beginning : trie;
}
