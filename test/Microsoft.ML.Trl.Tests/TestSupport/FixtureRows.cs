using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Token ids of a fixture as rows.</summary>
internal static class FixtureRows
{
    /// <param name="ids">[R, T] int64.</param>
    /// <param name="mask">[R, T], 0 at padding, which is left out; null = there is none.</param>
    public static int[][] Of(Tensor ids, Tensor? mask = null)
    {
        int width = (int)ids.shape[1];
        long[] all = ids.data<long>().ToArray();
        long[]? real = mask?.data<long>().ToArray();
        int[] Row(int row) => [.. Enumerable.Range(row * width, width).Where(i => real is null || real[i] != 0).Select(i => (int)all[i])];
        return [.. Enumerable.Range(0, (int)ids.shape[0]).Select(Row)];
    }
}
