using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Rollouts;

[TestClass]
public sealed class RewardConcurrencyTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30); // only a failing test waits that long

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public async Task Two_awaited_rewards_run_at_the_same_time()
    {
        TaskCompletionSource first = new(), second = new();
        RewardFunction one = Meeting(first, second, 1), two = Meeting(second, first, 2);
        RewardTable table = await Score([one, two]).WaitAsync(Long);
        Assert.AreEqual((1.0, 2.0), (table[0, 0]!.Value, table[0, 1]!.Value));
    }

    [TestMethod]
    public async Task Parts_of_a_weighted_sum_run_at_the_same_time_too()
    {
        TaskCompletionSource first = new(), second = new();
        RewardFunction sum = RewardFunction.WeightedSum((Meeting(first, second, 1), 1), (Meeting(second, first, 2), 10));
        Assert.AreEqual(21, (await Score([sum]).WaitAsync(Long))[0, 0]);
    }

    /// <summary>The plain one comes first in the list and lets the awaited one end, which has begun before it.</summary>
    [TestMethod]
    public async Task Other_rewards_run_on_the_asking_thread_while_one_is_awaited()
    {
        var told = new TaskCompletionSource();
        int asking = Environment.CurrentManagedThreadId, asked = 0;
        RewardFunction plain = RewardFunction.Of(row =>
        {
            asked = Environment.CurrentManagedThreadId;
            told.SetResult();
            return 1.0;
        });
        RewardFunction awaited = RewardFunction.OfAsync(async (row, cancel) =>
        {
            await told.Task.WaitAsync(cancel);
            return 2.0;
        });
        Task<RewardTable> table = Score([plain, awaited]);
        Assert.AreEqual(asking, asked);
        Assert.AreEqual(2, (await table.WaitAsync(Long))[0, 1]);
    }

    [TestMethod]
    public async Task A_failure_stops_the_others_and_is_the_error_that_is_told()
    {
        TaskCompletionSource hasBegun = new(), hasStopped = new();
        RewardFunction waits = RewardFunction.OfAsync(async (row, cancel) =>
        {
            hasBegun.SetResult();
            try
            {
                await new TaskCompletionSource().Task.WaitAsync(cancel);
                return 1.0;
            }
            finally
            {
                hasStopped.SetResult();
            }
        });
        RewardFunction fails = RewardFunction.Of((RewardRow _) =>
            hasBegun.Task.Wait(Long) ? throw new FormatException("broken") : 1.0);
        RewardFunctionException error = await Assert.ThrowsAsync<RewardFunctionException>(
            () => Score([waits.Named("waits"), fails.Named("fails")]).WaitAsync(Long));
        Assert.Contains("the reward function 'fails' threw FormatException: broken", error.Message);
        Assert.IsTrue(hasStopped.Task.IsCompleted, "none is left running");
    }

    [TestMethod]
    public async Task A_reward_after_one_that_failed_is_not_asked()
    {
        bool isAsked = false;
        RewardFunction fails = RewardFunction.Of((RewardRow _) => throw new FormatException("broken"));
        RewardFunction next = RewardFunction.Of(_ =>
        {
            isAsked = true;
            return 1.0;
        });
        await Assert.ThrowsAsync<RewardFunctionException>(() => Score([fails, next]));
        Assert.IsFalse(isAsked);
    }

    [TestMethod]
    public async Task Cancelling_ends_what_is_awaited()
    {
        using var source = new CancellationTokenSource();
        RewardFunction waits = RewardFunction.OfAsync(async (row, cancel) =>
        {
            await source.CancelAsync();
            await new TaskCompletionSource().Task.WaitAsync(cancel);
            return 1.0;
        });
        await Assert.ThrowsAsync<OperationCanceledException>(() => Score([waits, waits], source.Token).WaitAsync(Long));
    }

    /// <summary>A service that takes too long is a failure of the reward, not a wish of the caller.</summary>
    [TestMethod]
    public async Task A_timeout_of_the_function_itself_is_an_error()
    {
        RewardFunction late = RewardFunction.OfAsync((row, _) => Task.FromException<double>(new TaskCanceledException("timed out")));
        RewardFunctionException error = await Assert.ThrowsAsync<RewardFunctionException>(() => Score([late]));
        Assert.Contains("threw TaskCanceledException: timed out", error.Message);
    }

    /// <summary>Ends when the other one has begun.</summary>
    private static RewardFunction Meeting(TaskCompletionSource own, TaskCompletionSource other, double score) =>
        RewardFunction.OfAsync(async (row, cancel) =>
        {
            own.SetResult();
            await other.Task.WaitAsync(cancel);
            return score;
        });

    private Task<RewardTable> Score(RewardFunction[] rewards, CancellationToken cancel = default)
    {
        var context = new RewardContext(_ml, _ml.Data.LoadFromEnumerable(Tiny.Pairs), Tiny.Tokenizer);
        return new RewardGroup(rewards, context).Score([Asked.Row("a completion")], cancel);
    }
}
