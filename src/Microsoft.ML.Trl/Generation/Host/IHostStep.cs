
namespace Microsoft.ML.Trl.Generation;

/// <summary>One step of generation of one model family, worked out in its weights' own memory without tensor operations.</summary>
internal interface IHostStep : IDisposable
{
    /// <summary>Reads one token per row, adds it to the cache's memory and works out the hidden states. The cache is not advanced.</summary>
    /// <param name="rows">Rows of the batch, ascending.</param>
    /// <param name="tokens">Their newest tokens.</param>
    /// <param name="starts">Padding of each row of the batch.</param>
    /// <param name="cache">Holds the tokens before.</param>
    /// <param name="member">Number of the calling thread in the team; every member calls.</param>
    /// <returns>[rows, H] after the final norm; each member has its own copy.</returns>
    unsafe float* Run(int[] rows, int[] tokens, int[] starts, KeyValueCache cache, int member);
}
