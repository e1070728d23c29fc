using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Microsoft.ML.Trl.Text;

/// <summary>Turns a generation, which runs through on one thread, into pieces of text that somebody waits for.</summary>
internal static class TextStream
{
    /// <summary>Starts the generation, gives its text, and ends it when the enumeration is left.</summary>
    /// <param name="tokenizer">From tokens to text.</param>
    /// <param name="generate">Calls its first argument with every token, and ends when its second is cancelled.</param>
    /// <param name="cancel">Cancels it from outside.</param>
    public static async IAsyncEnumerable<string> Read(
        TextTokenizer tokenizer, Action<Action<int>, CancellationToken> generate,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var tokens = Channel.CreateUnbounded<int>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        Task work = Task.Run(() => Write(generate, tokens.Writer, stop.Token), CancellationToken.None);
        try
        {
            TokenStreamDecoder decoder = tokenizer.CreateStreamDecoder(); // never flushed: a character that was cut is not shown
            await foreach (int token in tokens.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
                if (decoder.Append(token) is { Length: > 0 } piece)
                {
                    yield return piece;
                    cancel.ThrowIfCancellationRequested(); // the generation may have ended before
                }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What the generation throws is thrown where the reader waits.</summary>
    private static void Write(Action<Action<int>, CancellationToken> generate, ChannelWriter<int> tokens, CancellationToken stop)
    {
        try
        {
            generate(token => tokens.TryWrite(token), stop);
            tokens.Complete();
        }
        catch (Exception error) when (tokens.TryComplete(error))
        {
            return;
        }
    }
}
