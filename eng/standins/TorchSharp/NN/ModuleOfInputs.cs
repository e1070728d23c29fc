namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public interface IModule<T, TResult>
        {
            TResult call(T input1);
        }

        public abstract class Module<T, TResult> : HookableModule<Func<Module<T, TResult>, T, T>, Func<Module<T, TResult>, T, TResult, TResult>>, IModule<T, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T input);

            public TResult call(T input)
            {
                Announce(module_pre_hooks);
                if (pre_hooks.Count > 0)
                    foreach (Func<Module<T, TResult>, T, T> hook in pre_hooks.Values)
                        if (hook(this, input) is { } replaced)
                            input = replaced;
                TResult result = forward(input);
                if (post_hooks.Count > 0)
                    foreach (Func<Module<T, TResult>, T, TResult, TResult> hook in post_hooks.Values)
                        if (hook(this, input, result) is { } replaced)
                            result = replaced;
                Announce(module_post_hooks);
                return result;
            }
        }

        public interface IModule<T1, T2, TResult>
        {
            TResult call(T1 input1, T2 input2);
        }

        public abstract class Module<T1, T2, TResult> : HookableModule<Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?>, Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult>>, IModule<T1, T2, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2);

            public TResult call(T1 input1, T2 input2)
            {
                Announce(module_pre_hooks);
                if (pre_hooks.Count > 0)
                    foreach (Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?> hook in pre_hooks.Values)
                        if (hook(this, input1, input2) is { } replaced)
                            (input1, input2) = replaced;
                TResult result = forward(input1, input2);
                if (post_hooks.Count > 0)
                    foreach (Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult> hook in post_hooks.Values)
                        if (hook(this, input1, input2, result) is { } replaced)
                            result = replaced;
                Announce(module_post_hooks);
                return result;
            }
        }

        public interface IModule<T1, T2, T3, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3);
        }

        public abstract class Module<T1, T2, T3, TResult> : HookableModule<Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?>, Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult>>, IModule<T1, T2, T3, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            public TResult call(T1 input1, T2 input2, T3 input3)
            {
                Announce(module_pre_hooks);
                if (pre_hooks.Count > 0)
                    foreach (Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?> hook in pre_hooks.Values)
                        if (hook(this, input1, input2, input3) is { } replaced)
                            (input1, input2, input3) = replaced;
                TResult result = forward(input1, input2, input3);
                if (post_hooks.Count > 0)
                    foreach (Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult> hook in post_hooks.Values)
                        if (hook(this, input1, input2, input3, result) is { } replaced)
                            result = replaced;
                Announce(module_post_hooks);
                return result;
            }
        }
    }
}
